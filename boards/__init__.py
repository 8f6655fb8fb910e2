"""Boards: what differs between them, the block design they share, its Tcl and its hand-off."""
