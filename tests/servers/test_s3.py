import httpx
import obstore

from tests.servers.s3 import S3


def test_what_is_put_into_a_bucket_is_got_back(s3: S3) -> None:
    store = obstore.store.from_url(
        s3.make_bucket("round-trip"),
        endpoint=s3.endpoint,
        client_options={"allow_http": True},
        region=s3.env["AWS_REGION"],
        access_key_id=s3.env["AWS_ACCESS_KEY_ID"],
        secret_access_key=s3.env["AWS_SECRET_ACCESS_KEY"],
    )
    obstore.put(store, "models/a.bin", b"weights")
    assert obstore.get(store, "models/a.bin").bytes().to_bytes() == b"weights"


def test_a_stranger_without_keys_reads_nothing(s3: S3) -> None:
    s3.make_bucket("closed")
    assert httpx.get(f"{s3.endpoint}/closed", trust_env=False).status_code == 403
