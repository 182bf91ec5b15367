"""Pages behind a link: no account, no JavaScript; GET shows, POST acts."""
