extension ProjectTemplate {
  /// `rules/orchestration.yaml`.
  var rules: String {
    """
    # yaml-language-server: $schema=../schema/rules.schema.json
    #
    # What happens when. `openstarry rules list` shows what each rule does at the moment.
    rules:
      # From dry to moist: valve and pump, in this order; at the end in reverse. `if` and `between` guard it: when they no
      # longer hold, or a sensor falls silent, it ends at once.
      - id: watering
        when: "sensor('soil') < 30.0"
        until: "sensor('soil') > 45.0"
        if: "sensor('tank') > 20.0 && !input('rain')"
        between: ["06:00", "22:00"]
        keep: { valve: on, pump: on }
        at_most: 20m/d

      # A sensor that does not answer is unknown to the rule above, which then does nothing. Somebody should hear of it.
      - id: tank-silent
        while: "!reading('tank').good"
        for: 10m
        action: "notify('the tank sensor has been silent for ten minutes')"
        end: "notify('the tank sensor answers again')"

      # On with the button, and off two minutes after it was released.
      - id: lamp-on-button
        while: "input('button')"
        linger: 2m
        keep: { lamp: on }

    """
  }
}
