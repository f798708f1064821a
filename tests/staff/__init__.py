"""The staff's pages, over HTTP as a browser and as a burglar would."""
