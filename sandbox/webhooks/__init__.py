"""Webhooks and activity subscriptions: Twitter tells an app that its access was revoked."""
