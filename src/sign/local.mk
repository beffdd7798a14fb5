# src/sign
