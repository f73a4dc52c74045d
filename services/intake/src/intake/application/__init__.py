"""One async function per command. Handlers touch nothing but `work`, since they may run more than once."""
