"""What workers do for webhooks: events become deliveries, and deliveries are attempted."""
