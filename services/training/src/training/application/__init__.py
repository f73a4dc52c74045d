"""One async function per command: load, ask the domain, save. They touch nothing but `work`."""
