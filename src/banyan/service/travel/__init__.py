"""Travel history at visits (旅遊史註記)."""
