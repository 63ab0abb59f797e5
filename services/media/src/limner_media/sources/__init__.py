"""Where the bytes of files lie and how they are read: objects of the store, files of the share, members of archives."""
