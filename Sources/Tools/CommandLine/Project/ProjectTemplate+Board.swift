import Document

extension ProjectTemplate {
  /// `board.yaml`.
  var board: String {
    """
    # yaml-language-server: $schema=schema/board.schema.json
    #
    # What is connected where. `make run` simulates all of it, so wire the board later.
    name: \(JSON.text(.string(name)))

    # The GPIO chip of the header: pinctrl-bcm2711 on a Raspberry Pi 4, pinctrl-rp1 on a 5, pinctrl-bcm2835 on a 3 and a Zero
    # 2 W (see `gpiodetect`). Lines are named, never numbered (see `gpioinfo`).
    chips:
      header: { label: pinctrl-bcm2711 }

    # I²C on pins 3 and 5. Turn it on with `dtparam=i2c_arm=on` in config.txt.
    buses:
      i2c: { path: /dev/i2c-1 }

    devices:
      # A capacitive probe on input 0 of an ADS1115. `points` turns volts into percent: measure yours in air and in water.
      soil:
        kind: sensor
        driver: ads1115
        bus: i2c
        channel: 0
        range: 4.096
        unit: "%"
        points: [[1.2, 100], [2.8, 0]]
        every: 2s
        deadband: 1

      # The level of the rain barrel, as a voltage on input 1. The median leaves waves and single wrong readings out.
      tank:
        kind: sensor
        driver: ads1115
        bus: i2c
        channel: 1
        range: 4.096
        unit: "%"
        points: [[0.3, 0], [2.7, 100]]
        filter: { median: 3 }
        every: 2s
        deadband: 1

      # A rain sensor that closes its contact while it is wet.
      rain:
        kind: input
        driver: gpio
        chip: header
        line: GPIO24
        bias: pull-up
        active_low: true
        debounce: 1s

      # A button beside the door, between the line and ground.
      button:
        kind: input
        driver: gpio
        chip: header
        line: GPIO23
        bias: pull-up
        active_low: true
        debounce: 20ms

      # The limits of an output hold for every command, whoever sends it. Without a command, it is in its safe state: off.
      pump:
        kind: actuator
        driver: gpio
        chip: header
        line: GPIO17
        max_on: 10m
        min_off: 10s

      valve:
        kind: actuator
        driver: gpio
        chip: header
        line: GPIO27
        max_on: 15m
        min_off: 2s

      lamp:
        kind: actuator
        driver: gpio
        chip: header
        line: GPIO22
        max_on: 1h
        min_off: 1s

    """
  }
}
