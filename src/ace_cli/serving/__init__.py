"""Playbooks for other programs, while those run. The only importer of mcp."""
