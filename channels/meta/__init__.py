"""What WhatsApp direct, Messenger and Instagram share (channels.md §6, §7): signature, readers, tables, transport."""
