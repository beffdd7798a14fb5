# src/outbound
