#!/bin/sh
# For a machine on which Debian was installed by hand: makes it $name of $site. Run it there once: sudo sh first-boot.sh
# From then on nobody logs in with a password, at the keyboard neither: the key of the control machine is the only way in.
set -eu
[ "$$(id -u)" = 0 ] || { echo "want to be run by root, got another user: sudo sh first-boot.sh" >&2; exit 77; }
echo $name >/etc/hostname
hostname $name
sed -i '/^127\.0\.1\.1/d' /etc/hosts
echo "127.0.1.1 $name" >>/etc/hosts
ln -sf /usr/share/zoneinfo/$timezone /etc/localtime
apt-get install --yes --quiet openssh-server sudo python3
id $user >/dev/null 2>&1 || useradd --create-home --shell /bin/bash $user
install -d -m 700 -o $user -g $user /home/$user/.ssh
cat >/home/$user/.ssh/authorized_keys <<'END'
$keys
END
chown $user:$user /home/$user/.ssh/authorized_keys
chmod 600 /home/$user/.ssh/authorized_keys
echo '$user ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/$user
chmod 440 /etc/sudoers.d/$user
printf 'PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin no\n' >/etc/ssh/sshd_config.d/10-first-boot.conf
systemctl enable ssh
systemctl restart ssh
for who in root $user "$${SUDO_USER:-root}"; do
  passwd --lock "$$who"
done
echo "$name is ready for the playbooks: ssh $user@$name"
