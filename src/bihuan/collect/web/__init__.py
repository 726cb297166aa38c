"""The script that pages load to be seen by Bihuan: its source, how it is made, and how it is served."""
