"""Events sent to where organisations want them, by Standard Webhooks."""
