"""What can be studied: templates, their design spaces, ideas and trials."""
