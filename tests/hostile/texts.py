"""What people may write where words are asked for, and what must stay words wherever they are shown."""

MARKUP = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg onload=alert(3)>{{7*7}}</textarea></title>"
)
