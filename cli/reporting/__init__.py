"""What `zynq-lstm report` writes: pictures, a page, a record, and the folder that holds them."""
