"""Staff in Slack: what stands in a conversation's thread, what colleagues do there, and who they are to us.

It sends nothing to patients but through the gate, exactly as the inbox does; and nothing of a patient waits for it.
"""
