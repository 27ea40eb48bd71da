"""Who answers the questions of a study."""
