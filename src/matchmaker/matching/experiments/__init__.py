"""Two models compared on live matches: lists merged by team draft, or firms halved by a hash."""
