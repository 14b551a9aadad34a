"""What people take home of their own data: files, and credentials in their wallet that show only what they choose."""
