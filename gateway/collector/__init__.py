"""The collector: events, items, feedback and facts about users, from HTTP into Kafka."""
