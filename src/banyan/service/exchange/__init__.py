"""The exchange as the officers of its members see it: who may ask whom, why, and how it stands."""
