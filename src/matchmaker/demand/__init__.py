"""The needs: what an SME looks for."""
