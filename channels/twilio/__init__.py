"""What SMS and WhatsApp through Twilio share (channels.md §3): signature, forms, tables, rendering, transport."""
