"""The armed timers of one machine: what systemd-run --on-active and shutdown +M leave behind."""
import threading
import time


class Timers:
    def __init__(self, life):
        self.life = life
        self.lock = threading.Lock()
        self.armed = {}  # name -> {"due", "command", "run"}

    def arm(self, name, after, command, run):
        """False when one of that name is armed."""
        with self.lock:
            if name in self.armed:
                return False
            self.armed[name] = {"due": time.monotonic() + after, "command": command, "run": run}
        self.wait_for(name)
        return True

    def wait_for(self, name):
        with self.lock:
            entry = self.armed.get(name)
            left = entry["due"] - time.monotonic() if entry else 0
        if entry:
            timer = threading.Timer(max(0, left), self.fire_due)
            timer.daemon = True
            timer.start()

    def fire_due(self):
        with self.lock:
            now = time.monotonic()
            due = [name for name, entry in self.armed.items() if entry["due"] <= now + 0.001]
            entries = [self.armed.pop(name) for name in due]
        for entry in entries:
            entry["run"]()

    def advance(self, seconds):
        with self.lock:
            for entry in self.armed.values():
                entry["due"] -= seconds
            names = list(self.armed)
        self.fire_due()
        for name in names:
            self.wait_for(name)

    def cancel(self, name):
        with self.lock:
            return self.armed.pop(name, None) is not None

    def clear(self):
        with self.lock:
            self.armed.clear()

    def lines(self):
        with self.lock:
            now = time.monotonic()
            return [f"{round(entry['due'] - now)} {name} {entry['command']}" for name, entry in self.armed.items()]
