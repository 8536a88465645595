"""One maker of nodes a file: virtual machine, container, this machine."""
