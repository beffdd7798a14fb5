# src/inbound
