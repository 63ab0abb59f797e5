
from tests.integration.annotations.workshop import *
async def test_it(workshop):
    task = workshop.task()
    r = await workshop.job(task,0,"GET"); print(r.status_code,r.text,r.headers)
    r = await workshop.job(task,0,"PATCH","/?action=create",json={"shapes":[rectangle(3),rectangle(1,5.0)],"tags":[tag(2)],"tracks":[track((0,0,False),(9,9,True))]}); print(r.status_code,r.text)
    print(await workshop.read(task))
    r = await workshop.on_task(task,"GET"); print(r.status_code,r.text,r.headers)
    r = await workshop.job(task,0,"PUT",json={"shapes":[rectangle(3)]}); print(r.status_code,r.text)
    s=r.json()["shapes"]; s[0]["frame"]=7
    r = await workshop.job(task,0,"PATCH","?action=update",json={"shapes":s+[rectangle(8)]}); print(r.status_code,r.text)
    r = await workshop.job(task,0,"PATCH","?action=delete",json={"shapes":[{"id":s[0]["id"]}, {"id":99}]}); print(r.status_code,r.text)
    r = await workshop.job(task,0,"GET","/revisions"); print(r.status_code,r.text)
    r = await workshop.job(task,0,"GET","/revisions/1"); print(r.status_code,r.text)
    r = await workshop.job(task,0,"GET","/revisions/2/diff"); print(r.status_code,r.text)
    r = await workshop.job(task,0,"POST","/revisions/1/restore"); print(r.status_code,r.text)
    print(await workshop.read(task))
    r = await workshop.job(task,0,"DELETE", headers={"If-Match":'"3"'}); print(r.status_code,r.text)
    r = await workshop.job(task,0,"PUT",json={"shapes":[rectangle(300,points=[1])], "tracks":[{"frame":0,"label_id":55}]}); print(r.status_code,r.text)
