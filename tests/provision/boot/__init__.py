"""Bare Debian machines with a real systemd, booted here, for the playbooks. Root is needed.

`make test-boot` (`python -m tests.provision.boot`) does it all: a hub, two edges and a display from
nothing by one `ansible-playbook`, once for bookworm and once for trixie, and prints what it found.

While you work on a role, boot what you need and keep it:

    python -m tests.provision.boot up hub gates       # or: hub gates cam-lobby lobby-1; none: all
    python -m tests.provision.boot play               # ansible/site.yml on those that are up
    python -m tests.provision.boot play -t broker -l hub -C    # all words go to ansible-playbook
    python -m tests.provision.boot play update.yml    # another of ansible/, or a path
    python -m tests.provision.boot sh hub journalctl -b -p warning     # as root in the machine
    python -m tests.provision.boot run ssh -i KEY ... # a command that reaches them
    python -m tests.provision.boot citizen nmap -p- 10.99.0.10         # from a stranger on the LAN
    python -m tests.provision.boot cut hub            # the power fails; `up hub` boots its disk
    python -m tests.provision.boot down               # all of it is gone

`--nest NAME` before the word (or MACHIAI_NEST) keeps yours apart from a neighbour's: each nest has
networks, mounts and process numbers of its own, so addresses may be the same in all. `--suite
trixie` is for `up`. Five machines at a time are enough for a small computer, so `down` what you do
not use; a nest that is forgotten ends by itself after four hours.

Of a nest (var/boot/nests/NAME): `site.toml` is the office (office.toml here), `inventory/` was made
of it by `machiai inventory`, `id_test` is the key of the user `machiai`, who may sudo without a
password, as on a Pi after its first boot. Machines: hub 10.99.0.10, gates .11, cam-lobby .12,
lobby-1 .13; the control machine (here) is .1, the citizen .200. hub.nishi.example.jp is the hub.

What roles get from the inventory, beside the groups hub, web, edge, display (and camera, pins for
edges that have such sensors, and site_ID for an office's machines): `machiai_id` (the id in the
site file, the machine's own host name and the certificate's CN; of several offices the inventory's
name is SITE.ID, so do not use `inventory_hostname` for it), `machiai_site` (the office's id),
`machiai_site_file`, `machiai_guide_file` and `machiai_content` (paths on the control machine;
null where there is none), `machiai_broker_host`, `machiai_broker_port`,
`machiai_hub_host` (the inventory's name of its hub), `machiai_kinds` (kinds of its sensors) and
`machiai_ways` (where it goes beside the hub). `group_vars/all.yml` is staff's: `machiai_admins`,
`machiai_ntp`, `ansible_user`.

The firewall lets nobody out to the mirrors but during a play: before a role of yours needs apt in a
playbook that is not site.yml, `import_role: firewall` with `tasks_from: open`.
"""
