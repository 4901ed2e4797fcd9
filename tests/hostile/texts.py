"""What people may write where words are asked for, and what must stay words wherever they are shown."""

MARKUP = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg onload=alert(3)>{{7*7}}"
    "</textarea></title><i id=x>"
)
FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "@SUM(1+1)*cmd|' /C calc'!A0", '-2+3+cmd|" /C calc"!A0', "\t=1+1"]
WORDS = [
    MARKUP,
    *FORMULAS,
    "javascript:alert(4)",
    "%3Cscript%3Ealert(5)%3C/script%3E",
    "${7*7}#{7*7}<%= 7*7 %>",
]
# Of these no character may become one of a page's own.
LIVE = ("<script>alert", "<img src=x", "<svg onload", "<i id=x", 'href="javascript', "<%=")

FILE_NAMES = [
    "../../../etc/passwd",
    "..\\..\\windows\\system32\\config",
    "/etc/shadow",
    "C:\\boot.ini",
    "cat.png\x00.exe",
    "cat\r\nSet-Cookie: a=b\r\n.png",
    "line\nbreak.png",
    "\u202egnp.exe",  # shown right to left
    "\u2066cat\u2069.png",
    "a" * 10_000 + ".png",
    ".",
    "..",
    "....",
    "CON",
    "NUL.png",
    "COM1",
    ".htaccess",
    "-rf",
    "--help",
    "$(touch x).png",
    "`touch x`.png",
    "cat.png; rm -rf *",
    "|id.png",
    "<img src=x onerror=alert(1)>.png",
    '"onmouseover="alert(1)".png',
    "=cmd|' /C calc'!A0.png",
    "+1.png",
    "@SUM(1).png",
    "cafe\u0301.png",  # two ways to write one name
    "caf\u00e9.png",
    "\uff0e\uff0e\uff0fetc\uff0fpasswd",  # full-width dots and slashes
    "cat\u200b.png",
    "%2e%2e%2fetc%2fpasswd",
    "cat.png/",
    " .png ",
    "\ud83d\ude00.png".encode("utf-16", "surrogatepass").decode("utf-16"),
    "cat.svg",
    "cat.html",
]
