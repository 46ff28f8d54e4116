"""The traces: the list at `/?q=…`, and one of them at `/?trace=…&span=…`."""

from tracer.viewer import components

components.app()
