"""Addresses that people, or programs in their name, may submit to reach what they should not.

By what they try. `{port}` is where a listener on loopback counts who comes. What `TEXT` holds has
to be refused as text; what `NAMES` holds is an ordinary name as text, which resolves to the
addresses beside it, one after the other each time it is asked for.
"""

PATH = "/a.jpg"

_LOOPBACK_NUMBERS = """
127.0.0.1 127.0.0.1. 127.1 127.0.1 127.000.000.001 0127.0.0.1 0177.0.0.1 0177.0000.0000.0001
0x7f.0.0.1 0x7f.1 0X7F.0X0.0X0.0X1 0x7f000001 0x7F000001 2130706433 017700000001 127.0x0.0.01
0 0.0.0.0 0x0 127.255.255.254 127.0.0.1:443 127.0.0.1:{port} 2130706433:{port} 0x7f.1:{port}
"""
_INSIDE = """
10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.254 192.168.0.1 192.168.1.1:{port} 100.64.0.1
100.100.100.200 169.254.169.254 169.254.170.2 169.254.169.253 0xa9fea9fe
2852039166 0251.0376.0251.0376 169.254.43518 192.0.0.192 168.63.129.16 192.0.2.1 198.18.0.1
198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255
"""
_IPV6 = """
[::1] [::1]:{port} [0:0:0:0:0:0:0:1] [0000:0000:0000:0000:0000:0000:0000:0001] [::] [::]:{port}
[::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:127.0.0.1]:{port} [0:0:0:0:0:ffff:7f00:0001]
[::ffff:a9fe:a9fe] [::ffff:0:127.0.0.1] [::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::127.0.0.1]
[64:ff9b:1::7f00:1] [2002:7f00:1::] [2002:a9fe:a9fe::1] [2001:0:7f00:1::1]
[2001:0:53aa:64c:0:fbf8:80ff:fffe] [fe80::1] [fe80::1%25eth0] [fe80::1%eth0] [fc00::1]
[fd00:ec2::254] [fec0::1] [ff02::1] [2001:db8::1] [::1%25lo] [2606:4700:4700::1111]
[2606:4700::5efe:7f00:1] [v1.fe80] [::1].example.com [] [:] [127.0.0.1]
"""

TEXT: dict[str, list[str]] = {
    "numbers for this machine": [f"https://{host}{PATH}" for host in _LOOPBACK_NUMBERS.split()],
    "numbers inside": [f"https://{host}{PATH}" for host in _INSIDE.split()],
    "IPv6": [f"https://{host}{PATH}" for host in _IPV6.split()],
    "names inside": [
        f"https://{host}{PATH}"
        for host in (
            "localhost",
            "LOCALHOST",
            "localhost.",
            "localhost:{port}",
            "a.localhost",
            "localhost.localdomain",
            "ip6-localhost",
            "metadata.google.internal",
            "metadata.google.internal.",
            "instance-data.ec2.internal",
            "metadata",
            "kubernetes.default.svc.cluster.local",
            "printer.local",
            "router.lan",
            "nas.home.arpa",
            "db",
        )
    ],
    "user-info": [
        f"https://storage.googleapis.com@127.0.0.1{PATH}",
        f"https://storage.googleapis.com:443@127.0.0.1:{{port}}{PATH}",
        f"https://storage.googleapis.com%40127.0.0.1{PATH}",
        f"https://127.0.0.1@storage.googleapis.com{PATH}",
        f"https://user:pass@storage.googleapis.com/wvox-1{PATH}",
        f"https://@storage.googleapis.com{PATH}",
        f"https://storage.googleapis.com:@127.0.0.1{PATH}",
        f"https://a@b@127.0.0.1{PATH}",
        "https://127.0.0.1:{port}#@storage.googleapis.com/a.jpg",
        "https://127.0.0.1:{port}?@storage.googleapis.com/a.jpg",
    ],
    "parsers that disagree": [
        f"https://storage.googleapis.com\\@127.0.0.1{PATH}",
        f"https://127.0.0.1\\@storage.googleapis.com{PATH}",
        f"https:\\\\127.0.0.1:{{port}}{PATH}",
        f"https:/\\127.0.0.1{PATH}",
        f"https://storage.googleapis.com\\.evil.test{PATH}",
        f"https:///127.0.0.1:{{port}}{PATH}",
        f"https:127.0.0.1{PATH}",
        f"https:/127.0.0.1{PATH}",
        f"https:////127.0.0.1{PATH}",
        f"https://127.0.0.1;.storage.googleapis.com{PATH}",
        f"https://127.0.0.1,storage.googleapis.com{PATH}",
        f"https://127.0.0.1&storage.googleapis.com{PATH}",
        f"https://127.0.0.1%00.storage.googleapis.com{PATH}",
        f"https://127.0.0.1%2f.storage.googleapis.com{PATH}",
        f"https://127.0.0.1%23.storage.googleapis.com{PATH}",
        f"https://storage.googleapis.com%2f@127.0.0.1{PATH}",
        f"https://%31%32%37.0.0.1{PATH}",
        f"https://loc%61lhost{PATH}",
        "https://storage.googleapis.com/../../127.0.0.1/a.jpg",
        "https://storage.googleapis.com/wvox-1/..%2f..%2fa.jpg",
        "https://storage.googleapis.com/wvox-1/%2e%2e/secret/a.jpg",
        "https://storage.googleapis.com/wvox-1/%5c..%5ca.jpg",
        f"https://storage.googleapis.com..{PATH}",
        f"https://storage..googleapis.com{PATH}",
        f"https://.storage.googleapis.com{PATH}",
        f"https://[storage.googleapis.com{PATH}",
        f"https://storage.googleapis.com]{PATH}",
    ],
    "letters that look alike": [
        f"https://{host}{PATH}"
        for host in (
            "stоrage.googleapis.com",
            "storage。googleapis。com",
            "storage．googleapis．com",
            "ｓtorage.googleapis.com",
            "①②⑦.⓪.⓪.①",
            "１２７.０.０.１",
            "127。0。0。1",
            "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
            "localhoſt",
            "storage.googleapis.com\u2024evil.test",
            "storage\u2215.googleapis.com",
            "storage.googleapis.com\uff0fevil.test",
            "a\u2100b.com",
            "xn--",
            "xn--.com",
            "café.example",
        )
    ],
    "ports": [
        f"https://storage.googleapis.com:{port}/wvox-1{PATH}"
        for port in ("22", "80", "8443", "{port}", "0", "65536", "99999", "-1", "+443", "0443",
                     "443:80", "４４３", "x", "")
    ],
    "schemes": [
        "http://127.0.0.1:{port}/a.jpg",
        "http://localhost:{port}/a.jpg",
        "http://[::1]:{port}/a.jpg",
        "http://storage.googleapis.com/wvox-1/a.jpg",
        "ftp://127.0.0.1:{port}/a.jpg",
        "gopher://127.0.0.1:{port}/_GET%20/a.jpg",
        "dict://127.0.0.1:{port}/a.jpg",
        "ldap://127.0.0.1:{port}/a.jpg",
        "file:///etc/passwd",
        "file://localhost/etc/passwd.jpg",
        "jar:https://127.0.0.1!/a.jpg",
        "data:image/png;base64,iVBORw0KGgo=",
        "javascript:alert(document.domain)//a.jpg",
        "view-source:https://127.0.0.1/a.jpg",
        "ws://127.0.0.1:{port}/a.jpg",
        "https+unix://%2Fvar%2Frun%2Fdocker.sock/a.jpg",
        "//127.0.0.1:{port}/a.jpg",
        "/admin/a.jpg",
        "127.0.0.1:{port}/a.jpg",
        "hthttps://127.0.0.1/a.jpg",
    ],
    "characters": [
        "https://storage.googleapis.com/wvox-1/a.jpg\x00.jpg",
        "https://storage.googleapis.com/wvox-1/a\x0b.jpg",
        "https://storage.googleapis.com/wvox-1/a\x1b[31m.jpg",
        "https://storage.googleapis.com/wvox-1/a\x7f.jpg",
        "https://storage.googleapis.com/wvox-1/\u202egpj.exe.jpg",
        "https://storage.googleapis.com/wvox-1/a\u200b.jpg",
        "https://127.0.0.1\u00ad/a.jpg",
        "https://127.0.0.1\t/a.jpg",
        "https://127.0.0.1 /a.jpg",
        "https://storage.googleapis.com /wvox-1/a.jpg",
        "ht\ttps://127.0.0.1:{port}/a.jpg",
        "https://127.0.0.1:{port}\r\nHost:storage.googleapis.com/a.jpg",
        "https://storage.googleapis.com/wvox-1/a.jpg%0d%0aX-Injected:1.jpg",
        "https://storage.googleapis.com/wvox-1/%00a.jpg",
        "https://storage.googleapis.com/wvox-1/%zz.jpg",
        "https://storage.googleapis.com/wvox-1/%u0041.jpg",
        "https://storage.googleapis.com/wvox-1/%c0%80\u0000.jpg",
        "\ud800https://127.0.0.1/a.jpg",
    ],
    "lengths": [
        "https://" + "a" * 3_000 + ".com/a.jpg",
        "https://" + "a." * 2_000 + "com/a.jpg",
        "https://storage.googleapis.com/wvox-1/" + "a" * 2_048 + ".jpg",
        "https://storage.googleapis.com/wvox-1/" + "%41" * 1_000 + ".jpg",
        "https://storage.googleapis.com/wvox-1/a.jpg?" + "x=1&" * 2_000,
        "https://127.0.0.1/" + "a" * (2 * 1024 * 1024) + ".jpg",
        "A" * (2 * 1024 * 1024),
    ],
}  # fmt: skip

# What every resolver may be made to answer by whoever owns a name. Public and private addresses in
# one answer, or one after the other, are what a rebinding server gives.
PUBLIC = "142.250.78.123"
NAMES: dict[str, list[str]] = {
    "loopback.example.com": ["127.0.0.1"],
    "loopback6.example.com": ["::1"],
    "nowhere.example.com": ["0.0.0.0"],
    "mapped.example.com": ["::ffff:127.0.0.1"],
    "compatible.example.com": ["::127.0.0.1"],
    "nat64.example.com": ["64:ff9b::7f00:1"],
    "nat64-local.example.com": ["64:ff9b:1::7f00:1"],
    "six-to-four.example.com": ["2002:7f00:1::"],
    "teredo.example.com": ["2001:0:53aa:64c:0:fbf8:80ff:fffe"],
    "isatap.example.com": ["2606:4700::5efe:7f00:1"],
    "carrier.example.com": ["100.64.0.1"],
    "metadata.example.com": ["169.254.169.254"],
    "metadata6.example.com": ["fd00:ec2::254"],
    "azure.example.com": ["168.63.129.16"],
    "alibaba.example.com": ["100.100.100.200"],
    "oracle.example.com": ["192.0.0.192"],
    "ten.example.com": ["10.0.0.1"],
    "sixteen.example.com": ["172.16.0.1"],
    "home.example.com": ["192.168.1.1"],
    "link6.example.com": ["fe80::1"],
    "unique6.example.com": ["fc00::1"],
    "site6.example.com": ["fec0::1"],
    "multicast.example.com": ["224.0.0.1"],
    "multicast6.example.com": ["ff0e::1"],
    "reserved.example.com": ["240.0.0.1"],
    "documentation.example.com": ["2001:db8::1"],
    "benchmark.example.com": ["198.18.0.1"],
    "rebinding.example.com": [PUBLIC, "127.0.0.1", "127.0.0.1"],
    "rebinding-late.example.com": [PUBLIC, PUBLIC, "127.0.0.1"],
    "rebinding6.example.com": [PUBLIC, "::1", "::1"],
    "xn--lcalhost-0ta.example.com": ["127.0.0.1"],
    "127.0.0.1.nip.example.com": ["127.0.0.1"],
}

ALL = [text for texts in TEXT.values() for text in texts] + [
    f"https://{name}{PATH}" for name in NAMES
]
