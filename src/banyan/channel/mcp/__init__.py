"""MCP: the node's read operations as tools for assistants (Model Context Protocol)."""

from banyan.channel.mcp.service import build_mcp

__all__ = ["build_mcp"]
