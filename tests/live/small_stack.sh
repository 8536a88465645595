#!/bin/bash
# As much of a devstack as a gate has to do with: the files that it reads and leaves, its words, its units; the keystone
# and the MariaDB that it starts are real. The real one lies on no package registry.
if [ $EUID -eq 0 ]; then exit 1; fi
set -o errexit -o pipefail
TOP=$(cd "$(dirname "$0")" && pwd)
DEST=${TOP%/*}
PS4='+ ${BASH_SOURCE[0]/#*stack.sh/./stack.sh}:${FUNCNAME[0]:-main}:${LINENO} :   '
trap 'r=$?; set +x; [ $r = 0 ] || echo "Error on exit"' EXIT
exec 2>&1
set -o xtrace
echo_summary() { :; }
disable_all_services() { ENABLED=' '; }
enable_service() { ENABLED="$ENABLED$1 "; }
disable_service() { ENABLED=${ENABLED/ $1 / }; }
enable_plugin() { [ -f "$DEST/$1/devstack/plugin.sh" ]; }
die() { set +x; echo "[ERROR] $TOP/stack.sh:$1 $2"; exit 1; }
needed() {
    [ -d "$DEST/$1" ] && return
    echo "The $DEST/$1 project was not found; if this is a gate job, add"
    die $LINENO "ERROR_ON_CLONE is set to $ERROR_ON_CLONE so cloning not allowed in this configuration"
}

sed -n '/^\[\[local|localrc\]\]$/,/^$/{/^\[\[/d;p}' "$TOP/local.conf" >"$TOP/.localrc.auto"
. "$TOP/.localrc.auto"
mkdir -p "${LOGFILE%/*}"

echo_summary 'Installing package prerequisites'
python3 -m venv "$DEST/data/venv"
limits="$DEST/requirements/upper-constraints.txt"

echo_summary 'Installing OpenStack project source'
pip_install() { "$DEST/data/venv/bin/pip" install -q -c "$limits" "$@"; }
needed keystone
[[ $ENABLED != *' g-api '* ]] || needed glance
pip_install -e "$DEST/keystone" PyMySQL

echo_summary 'Configuring and starting MySQL'
sudo systemctl start mariadb
sudo mariadb -e "CREATE DATABASE keystone; CREATE USER k@localhost IDENTIFIED BY '$DATABASE_PASSWORD';
    GRANT ALL ON keystone.* TO k@localhost"

echo_summary 'Starting Keystone'
sudo install -d -o stack /etc/keystone /etc/openstack
cat >/etc/keystone/keystone.conf <<END
[database]
connection = mysql+pymysql://k:$DATABASE_PASSWORD@localhost/keystone?unix_socket=/run/mysqld/mysqld.sock
[fernet_tokens]
key_repository = /etc/keystone/fernet
[credential]
key_repository = /etc/keystone/credentials
END
manage="$DEST/data/venv/bin/keystone-manage"
address="http://$HOST_IP:5000"
keystone_manage() { "$manage" "$@"; }
keystone_manage fernet_setup
keystone_manage credential_setup
keystone_manage db_sync
keystone_manage bootstrap --bootstrap-password "$ADMIN_PASSWORD" --bootstrap-region-id RegionOne \
    --bootstrap-public-url "$address/v3" --bootstrap-internal-url "$address/v3" --bootstrap-admin-url "$address/v3"
sudo tee /etc/systemd/system/devstack@keystone.service >/dev/null <<END
[Unit]
After=mariadb.service
[Service]
User=stack
ExecStart=/usr/bin/uwsgi --plugin python3,http --http-socket :5000 --virtualenv $DEST/data/venv --master --die-on-term \
    --module keystone.wsgi.api:application --processes 2 --need-app
[Install]
WantedBy=multi-user.target
END
cat >/etc/openstack/clouds.yaml <<END
clouds:
  devstack-admin:
    auth:
      auth_url: $address
      password: $ADMIN_PASSWORD
      project_domain_id: default
      project_name: admin
      user_domain_id: default
      username: admin
END
start_keystone() {
    sudo systemctl daemon-reload
    sudo systemctl enable --now devstack@keystone.service
    for _ in $(seq 60); do
        curl -fsS -o "$DEST/data/versions.json" "$address/v3" && return
        sleep 0.5
    done
    sudo journalctl --unit devstack@keystone.service --no-pager | tail -n 20
    die $LINENO 'keystone did not start'
}
start_keystone

if [[ $ENABLED == *' tempest '* ]]; then
    needed tempest
    cat >"$DEST/tempest/etc/tempest.conf" <<END
[auth]
admin_username = admin
admin_password = $ADMIN_PASSWORD
admin_project_name = admin
admin_domain_name = Default
[identity]
uri_v3 = $address/v3
auth_version = v3
[oslo_concurrency]
lock_path = $DEST/data/tempest
[service_available]
cinder = False
glance = False
neutron = False
nova = False
swift = False
END
    mkdir -p "$DEST/data/tempest"
    install_tempest() { (cd "$DEST/tempest" && UPPER_CONSTRAINTS_FILE=$limits tox -q -e all --notest); }
    install_tempest
fi
set +x
echo "stack.sh completed in $SECONDS seconds."
