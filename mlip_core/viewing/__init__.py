"""Structures drawn in 3D by 3Dmol.js: what is drawn, the copy of 3Dmol.js that is here, and py3Dmol's views of it."""
