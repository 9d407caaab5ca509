# SPDX-License-Identifier: Apache-2.0
"""What the service, the resources and the leases of a machine of eight GPUs answer."""

import os

import berth

client = berth.Client()
assert client.service.overview()["name"] == client.service.info()["app_name"] == "Berth"
assert (client.service.health()["status"], client.service.alive(), client.service.ready()) == ("healthy", True, True)
assert client.service.openapi()["openapi"].startswith("3.1")
assert "<html" in client.service.docs().lower()
assert client.service.docs() == client.service.redoc()
assert client.resources.gpu()["count"] == 8
assert client.resources.cpu()["cores"] >= 1
assert client.resources.set_limits({"cuda:1": {"training": 2}})["current_config"]["cuda:1"]["training"] == 2
assert client.resources.status()["limits"]["cuda:1"]["training"] == 2
assert client.resources.drain(["cuda:1"], "a new fan")["devices"] == {"cuda:1": "a new fan"}
assert client.resources.drains()["machine"] is False
assert client.resources.resume(["cuda:1"])["devices"] == {}
assert client.resources.drain()["machine"] is True
assert client.resources.resume()["machine"] is False
assert "cuda:1" in client.resources.history_csv("cuda:1")
client.run(["true"], device="cpu", task_id="counted").wait(timeout=60, check=True)
assert [task["task_id"] for task in client.resources.usage("1h")["tasks"]] == ["counted"]
assert "counted" in client.resources.usage_csv("1h")
assert client.resources.usage(user="nobody-else")["tasks"] == []
try:
    raise AssertionError(client.service.test_notifications())
except berth.Conflict as error:
    assert "notifications" in str(error), error
assert "DCGM_FI_DEV_GPU_TEMP" in client.service.metrics()
assert "modelName" in client.service.metrics(model_names=True)
lease = client.leases.create(device="cuda:2", memory_gb=1)
assert client.leases.renew(lease["lease_id"], 600)["ttl_s"] == 600
assert client.leases.adopt(lease["lease_id"], os.getpid())["pid"] == os.getpid()
client.leases.end(lease["lease_id"])
