"""Where thinking and doing meet: the road of one change from its source to its verdict."""
