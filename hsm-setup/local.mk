# hsm-setup
