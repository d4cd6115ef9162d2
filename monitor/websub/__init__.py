"""WebSub, the subscriber's side: a hub that says "this feed has news" makes it be asked at once."""
