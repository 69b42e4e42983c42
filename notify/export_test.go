package notify

// InboxSQL is explained by a test.
const InboxSQL = inboxSQL
