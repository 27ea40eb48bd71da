"""What has been published: sources on the network, and the embedded library."""
