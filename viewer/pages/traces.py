"""The traces: the list at `/?q=…`, and one of them at `/?trace=…&span=…`."""

from tracer.viewer import components, project

components.app([page.stem for page in project.pages()])
