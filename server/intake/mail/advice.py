"""What an administrator can do about a mail server's refusal, in plain words, provider by provider."""

import re
from dataclasses import dataclass
from typing import Final

from server.intake.mail.connection import MailServerError, Step
from server.mail_settings import MailboxSettings, SmtpSettings
from workbooks.form import Text

_Account = MailboxSettings | SmtpSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Advice:
    """Fits a failure at one of *steps* (none: any) when *said*, *host* and *auth* fit what there is."""

    text: Text
    steps: tuple[Step, ...] = ()
    said: str = ""
    host: str = ""
    auth: str = ""

    def fits(self, account: _Account, error: MailServerError) -> bool:
        return (
            (not self.steps or error.step in self.steps)
            and re.search(self.said, error.said, re.IGNORECASE) is not None
            and re.search(self.host, account.host, re.IGNORECASE) is not None
            and account.auth.startswith(self.auth)
        )


_SIGNED_IN: Final = (Step.LOGIN, Step.ID, Step.FOLDER, Step.WORK, Step.SENDER)
_MICROSOFT: Final = r"office365|outlook"
_GOOGLE: Final = r"gmail|google"
_NETEASE: Final = r"\.(163|126)\.com$|yeah\.net$|188\.com$"
_TENCENT: Final = r"\.qq\.com$|foxmail\.com$"

# The first that fits is told: what names a cause stands before what a provider usually means.
_ALL: Final = (
    _Advice(
        steps=_SIGNED_IN,
        said="unsafe login",
        text=Text(
            "网易邮箱拒绝了这次登录。Aftersheet 已按其要求发送 ID；请在网页版邮箱的“设置 → POP3/SMTP/IMAP”中"
            "确认 IMAP 已开启并使用新的授权密码，仍不行时按提示联系 kefu@188.com。",
            "NetEase turned this login down. Aftersheet has sent the ID it asks for; check on the web page of the "
            "mailbox that IMAP is switched on and use a fresh authorization code, else write to kefu@188.com.",
        ),
    ),
    _Advice(
        said=r"5\.7\.30|basic authentication is (not supported|disabled)",
        text=Text(
            'Microsoft 365 已停用密码登录。请改用 auth = "xoauth2-microsoft"，并填写 tenant、client_id 和 '
            "client_secret_file；在此之前管理员可以为该租户重新启用 SMTP AUTH。",
            'Microsoft 365 no longer takes passwords. Set auth = "xoauth2-microsoft" with tenant, client_id and '
            "client_secret_file; until then an administrator may switch SMTP AUTH on again for the tenant.",
        ),
    ),
    _Advice(
        said=r"5\.7\.139|SmtpClientAuthentication is disabled",
        text=Text(
            "该邮箱或租户未开启 SMTP AUTH。请在 Microsoft 365 管理中心的“邮件应用”中"
            "为该邮箱勾选“经过身份验证的 SMTP”。",
            "SMTP AUTH is off for this mailbox or tenant. In the Microsoft 365 admin center, under Mail apps, allow "
            "the mailbox Authenticated SMTP.",
        ),
    ),
    _Advice(
        said=r"5\.7\.60|SendAsDenied|same as auth|must (be|equal).*(auth|user)|not owned by user|501.*mail from",
        steps=(Step.SENDER, Step.WORK),
        text=Text(
            "服务器不允许以 from_address 发信。请把它改成登录用户自己的地址，或授予该用户“以此身份发送”权限。",
            "The server does not let the user send as from_address. Set it to the user's own address, or grant the "
            "user Send As.",
        ),
    ),
    _Advice(
        steps=(Step.TOKEN,),
        said="AADSTS7000222|expired",
        text=Text(
            "应用的客户端密码已过期。请在 Microsoft Entra 中新建一个，并写入 client_secret_file。",
            "The application's client secret has expired. Make a new one in Microsoft Entra and write it to "
            "client_secret_file.",
        ),
    ),
    _Advice(
        steps=(Step.TOKEN,),
        said="AADSTS7000215",
        text=Text(
            "客户端密码不对。请填写密码的“值”，不是它的 ID。",
            "The client secret is wrong. It is the secret's value that is asked for, not its ID.",
        ),
    ),
    _Advice(
        steps=(Step.TOKEN,),
        said="AADSTS(700016|90002|900023)|tenant",
        auth="xoauth2-microsoft",
        text=Text(
            "tenant 或 client_id 不对。两者都在 Microsoft Entra 该应用的“概述”页上。",
            "tenant or client_id is wrong. Both stand on the application's overview page in Microsoft Entra.",
        ),
    ),
    _Advice(
        steps=(Step.TOKEN,),
        said="pip install",
        text=Text(
            "请按上面的命令安装所需的组件，然后重试。",
            "Install what is missing with the command above, then try again.",
        ),
    ),
    _Advice(
        steps=(Step.TOKEN,),
        auth="xoauth2-google",
        text=Text(
            "请在 Google 管理控制台的“全网域授权”中，允许该服务账号的客户端 ID 使用 https://mail.google.com/。",
            "In the Google Admin console, under domain-wide delegation, allow the service account's client ID the "
            "scope https://mail.google.com/.",
        ),
    ),
    _Advice(
        steps=(Step.LOGIN, Step.FOLDER),
        host=_MICROSOFT,
        auth="xoauth2",
        text=Text(
            "令牌有效，但邮箱不认这个应用。请给应用 IMAP.AccessAsApp 和 SMTP.SendAsApp 权限并由管理员同意，再运行 "
            "New-ServicePrincipal（用“企业应用程序”的对象 ID）和 Add-MailboxPermission。",
            "The token is good, but the mailbox does not know the application. Give it IMAP.AccessAsApp and "
            "SMTP.SendAsApp with admin consent, then run New-ServicePrincipal (with the object ID of the enterprise "
            "application) and Add-MailboxPermission.",
        ),
    ),
    _Advice(
        steps=(Step.LOGIN,),
        host=_MICROSOFT,
        text=Text(
            'Microsoft 365 已停用 IMAP 的密码登录。请改用 auth = "xoauth2-microsoft"。',
            'Microsoft 365 takes no passwords for IMAP. Set auth = "xoauth2-microsoft".',
        ),
    ),
    _Advice(
        steps=(Step.LOGIN,),
        host=_GOOGLE,
        auth="password",
        text=Text(
            "Google 不接受账号密码。请开启两步验证并使用 16 位“应用专用密码”，Google Workspace 也可以改用 "
            'auth = "xoauth2-google"。',
            "Google does not take the account's password. Switch on 2-step verification and use an app password of 16 "
            'letters; with Google Workspace auth = "xoauth2-google" works as well.',
        ),
    ),
    _Advice(
        steps=(Step.LOGIN,),
        host=r"exmail\.qq\.com$",
        text=Text(
            "请在腾讯企业邮箱中开启 IMAP/SMTP；开启了安全登录的账号要用“客户端专用密码”，不是登录密码。"
            "多次失败后请等几分钟再试。",
            "Switch on IMAP/SMTP in Tencent Exmail; accounts with secure login need a client password, not the login "
            "password. After several failures wait some minutes.",
        ),
    ),
    _Advice(
        steps=(Step.LOGIN,),
        host=_TENCENT,
        text=Text(
            "QQ 邮箱要用 16 位授权码，不是 QQ 密码：网页版“设置 → 账号”开启 IMAP/SMTP 后生成。"
            "修改 QQ 密码后所有授权码失效。多次失败后请等几分钟再试。",
            "QQ wants an authorization code of 16 letters, not the QQ password: switch on IMAP/SMTP under Settings, "
            "Account and generate one. All codes end when the QQ password is changed. After several failures wait "
            "some minutes.",
        ),
    ),
    _Advice(
        steps=(Step.LOGIN,),
        host=_NETEASE,
        text=Text(
            "网易邮箱要用授权密码，不是登录密码：网页版“设置 → POP3/SMTP/IMAP”开启 IMAP/SMTP 后生成。",
            "NetEase wants an authorization code, not the login password: switch on IMAP/SMTP under Settings, "
            "POP3/SMTP/IMAP and generate one.",
        ),
    ),
    _Advice(
        steps=(Step.LOGIN,),
        said="plaintext|privacy required|encrypt|starttls",
        text=Text(
            '服务器只接受加密连接上的密码。请设 security = "tls" 或 "starttls"。',
            'The server takes passwords over encrypted connections only. Set security = "tls" or "starttls".',
        ),
    ),
    _Advice(
        steps=(Step.LOGIN,),
        text=Text(
            "服务器不认这个用户和密码。请检查 user（多数服务器要完整的邮箱地址）和密码，并确认该邮箱开启了 IMAP/SMTP。",
            "The server does not accept user and password. Check user (most servers want the whole address) and the "
            "password, and that IMAP/SMTP is switched on for the mailbox.",
        ),
    ),
    _Advice(
        steps=(Step.SECRET,),
        text=Text(
            "无法读取密码文件。请检查路径（相对路径从数据目录算起），以及运行服务的用户是否可读。",
            "The file with the secret cannot be read. Check its path (a relative one counts from the data folder) and "
            "that the service's user may read it.",
        ),
    ),
    _Advice(
        steps=(Step.DNS,),
        text=Text(
            "找不到这台服务器。请检查 host 的拼写，以及本机的 DNS 设置。",
            "No such server is known. Check the spelling of host, and this machine's DNS.",
        ),
    ),
    _Advice(
        steps=(Step.TLS,),
        said="WRONG_VERSION_NUMBER|STARTTLS.*(not supported|unknown|bad)",
        text=Text(
            'security 与 port 不匹配。通常 993 和 465 用 "tls"，143 和 587 用 "starttls"。',
            'security and port do not fit. Usually 993 and 465 go with "tls", 143 and 587 with "starttls".',
        ),
    ),
    _Advice(
        steps=(Step.TLS,),
        said="hostname mismatch|not valid for",
        text=Text(
            "证书不是发给这个主机名的。请把 host 写成证书上的名字。",
            "The certificate was issued for another name. Write host as the certificate has it.",
        ),
    ),
    _Advice(
        steps=(Step.TLS,),
        said="CERTIFICATE_VERIFY_FAILED",
        text=Text(
            "本机不信任该服务器的证书。自建服务器请把签发证书装入系统，或用环境变量 SSL_CERT_FILE 指向它；"
            "也请检查本机时间。",
            "This machine does not trust the server's certificate. For a server of your own install the issuing "
            "certificate, or point SSL_CERT_FILE to it; check this machine's clock as well.",
        ),
    ),
    _Advice(
        steps=(Step.TLS,),
        text=Text(
            "加密连接没有建立。请检查 security 和 port：通常 993 和 465 用“tls”，143 和 587 用“starttls”。",
            "No encrypted connection came about. Check security and port: usually 993 and 465 go with tls, 143 and "
            "587 with starttls.",
        ),
    ),
    _Advice(
        steps=(Step.CONNECT,),
        said=r"unexpected response|^\d{3} |^\* (OK|PREAUTH)|^\+OK|^-1 |imap4",
        text=Text(
            "这个端口上是另一种服务器。收信（IMAP）通常用 993 或 143，发信（SMTP）通常用 465、587 或 25。",
            "Another kind of server answers at this port. Mail is read (IMAP) at 993 or 143 as a rule, and sent (SMTP) "
            "at 465, 587 or 25.",
        ),
    ),
    _Advice(
        steps=(Step.CONNECT,),
        said="no answer within|timed out",
        text=Text(
            '这个端口上没有应答。请检查 security 和 port（993 和 465 用 "tls"，143 和 587 用 '
            '"starttls"），以及防火墙是否允许本机访问该端口。',
            'Nothing is said at this port. Check security and port (993 and 465 go with "tls", 143 and 587 with '
            '"starttls"), and that the firewall lets this machine through.',
        ),
    ),
    _Advice(
        steps=(Step.CONNECT,),
        text=Text(
            "连不上服务器。请检查 port 和 security，以及防火墙是否允许本机访问该端口。",
            "The server cannot be reached. Check port and security, and that the firewall lets this machine through.",
        ),
    ),
    _Advice(
        steps=(Step.FOLDER,),
        text=Text(
            "打不开文件夹。请检查 folder 的写法；收件箱总是 INBOX。",
            "The folder cannot be opened. Check how folder is written; the inbox is always INBOX.",
        ),
    ),
    _Advice(
        steps=(Step.SENDER,),
        text=Text(
            "服务器不接受发件地址。请检查 from_address；多数服务器要求它就是登录用户自己的地址，"
            "并要求先登录（user、password）。",
            "The server does not accept our address. Check from_address; most servers want the user's own address "
            "there, and a login (user, password) before it.",
        ),
    ),
    _Advice(
        text=Text(
            "请把上面服务器的原话发给邮件管理员。",
            "Show the server's words above to whoever runs the mail server.",
        ),
    ),
)


def advice(account: _Account, error: MailServerError) -> Text:
    """What to do about *error*."""
    return next(entry.text for entry in _ALL if entry.fits(account, error))
