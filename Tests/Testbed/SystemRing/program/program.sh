#!/bin/sh
# Switches the lamp for each event, and reports what it can see of the machine.
echo "user $(id -u), devices $(echo /dev/*), folders $(echo /*)"
for file in /dev/gpiochip0 /dev/i2c-1 /dev/mem /run/openstarry/control.sock /var/lib/openstarry /etc/openstarry/openstarry.yaml; do
  [ ! -e "$file" ] || echo "it sees $file"
done
for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/panic /usr/bin/file; do
  if (: >>$file) 2>/dev/null; then echo "it can write $file"; fi
done
echo start >>"$OPENSTARRY_DATA/starts"
printf '{"method":"ready","params":{"abi":1}}\n' >&3
while read -r line <&3; do
  id=${line#*\"id\":}
  id=${id%%,*}
  case $line in
    *'"method":"activate"'*)
      printf '{"id":1000,"method":"controlActuator","params":{"id":"lamp","command":"on","lease_ms":60000}}\n' >&3
      read -r answer <&3
      case $line in *ring:hog*) exec tail /dev/zero ;; esac
      ;;
    *'"method":"stop"'*)
      printf '{"id":%s,"result":{}}\n' "$id" >&3
      exit 0
      ;;
  esac
  printf '{"id":%s,"result":{}}\n' "$id" >&3
done
