"""``limner admin backup``: copies of whole installations, and installations made of copies.

A target is a folder or a bucket, and holds any number of backups::

    limner-backups.json                          says that it is one
    objects/ab/abcdef…                           content of objects by SHA-256, shared by all backups
    backups/<id>/database/<schema>.<table>.copy.gz
    backups/<id>/inventory/000000.json.gz        objects by key: size, ETag, SHA-256
    backups/<id>/events.json.gz                  facts that a consumer may not have seen yet
    backups/<id>/secrets.json                    grant keys, when asked for
    backups/<id>/manifest.json                   written last: without it there is no backup

The database is read in one snapshot; objects never change, so copying them afterwards gives the state of the snapshot as
long as none is removed meanwhile, which ``removal_hold`` sees to.
"""
