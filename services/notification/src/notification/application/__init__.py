"""One async function per command, one module per aggregate."""
