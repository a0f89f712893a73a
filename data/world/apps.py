"""What the apps of the procedural screens are about: pages, their names and looks.

Two families that share no page, name, icon or theme: those of training and those held out.  The
names of a page are sorted; `Apps.middle` of them have at least a screen full of others before and
after, so that a name does not tell on which side of a screen it lies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vlrl.data.world.icons import HELD_OUT, TRAINED
from vlrl.data.world.screens import Theme

NUM_ENTRIES = 6  # on a screen
NUM_CELLS = 12


@dataclass(frozen=True, kw_only=True)
class Apps:
    """Pages by the kind of their entries; every page has at least 2 NUM_ENTRIES + 4 names."""

    size: tuple[int, int]  # of the screens, pixels
    num_columns: int  # of the grids
    themes: tuple[Theme, ...]
    things: Mapping[str, tuple[str, ...]]
    switches: Mapping[str, tuple[str, ...]]
    fields: Mapping[str, tuple[str, ...]]
    grids: Mapping[str, tuple[str, ...]]
    texts: tuple[str, ...]  # that are typed
    icons: tuple[str, ...]


def middle(names: tuple[str, ...]) -> tuple[str, ...]:
    return names[NUM_ENTRIES:-NUM_ENTRIES]


def _names(text: str) -> tuple[str, ...]:
    return tuple(sorted(text.split()))


TRAIN = Apps(
    size=(168, 280),
    num_columns=3,
    themes=(
        Theme(
            paper=(236, 238, 242),
            ground=(255, 255, 255),
            ink=(25, 28, 34),
            faint=(176, 182, 190),
            accent=(32, 104, 204),
            on_accent=(255, 255, 255),
        ),
        Theme(
            paper=(240, 244, 238),
            ground=(253, 254, 250),
            ink=(20, 36, 24),
            faint=(172, 186, 174),
            accent=(24, 128, 72),
            on_accent=(255, 255, 255),
        ),
        Theme(
            paper=(250, 240, 234),
            ground=(255, 252, 248),
            ink=(46, 26, 20),
            faint=(200, 180, 168),
            accent=(206, 84, 30),
            on_accent=(255, 250, 240),
        ),
    ),
    things={
        "Groceries": _names(
            "Apples Beans Bread Butter Carrots Cheese Dates Eggs Figs Garlic Honey Kale Leeks Milk "
            "Nuts Onions Pears Rice Salt Tea Yoghurt"
        ),
        "Contacts": _names(
            "Ada Ben Carla David Emma Felix Greta Hugo Ida Jonas Kira Leon Mara Nils Olga Paul "
            "Quinn Rosa Sven Tina Vera"
        ),
    },
    switches={
        "Settings": _names(
            "Alarm Bluetooth Clock Contrast Dimmer Files Gestures Hotspot Keyboard Location Magnet "
            "Network Overlay Power Radio Sounds Torch Updates Vibrate Widgets Zoom"
        ),
        "Alerts": _names(
            "Backup Calls Chat Deals Events Friends Games Health Income Jobs Likes Mail News "
            "Offers Parking Quotes Rain Sports Traffic Votes Weather"
        ),
    },
    fields={
        "Profile": _names(
            "Age Band Born City Dad Email Fax Given Hobby Issue Job Kin Lang Mum Name Owner Phone "
            "Role State Team Unit"
        ),
        "Ticket": _names(
            "Agent Bus Class Code Date Exit From Gate Hall Isle Key Line Meal Number Order Place "
            "Queue Row Seat To Via"
        ),
    },
    grids={
        "Home": _names(
            "Atlas Books Bank Coach Diary Draw Echo Farm Gym Kids Maps Meet Notes Paint Pay Photo "
            "Quiz Ride Scan Shop Talk Tune Video Work"
        ),
        "Tools": _names(
            "Bits Blend Chart Count Crop Cut Edit Find Flip Fold Grid Hide Join Link Lock Mark "
            "Mix Move Pick Print Send Sort Split Undo"
        ),
    },
    texts=_names("amber basil cedar delta ember fjord grove hazel ivory jade lotus maple"),
    icons=tuple(sorted(TRAINED)),
)
OOD = Apps(
    size=(280, 196),
    num_columns=4,
    themes=(
        Theme(
            paper=(22, 24, 30),
            ground=(42, 46, 56),
            ink=(232, 234, 238),
            faint=(104, 110, 124),
            accent=(170, 120, 250),
            on_accent=(20, 14, 32),
        ),
        Theme(
            paper=(12, 30, 34),
            ground=(26, 52, 58),
            ink=(226, 240, 236),
            faint=(88, 120, 122),
            accent=(250, 196, 70),
            on_accent=(34, 24, 4),
        ),
    ),
    things={
        "Planets": _names(
            "Ariel Bianca Callisto Dione Europa Fornax Galatea Halley Io Juno Kari Larissa Mimas "
            "Naiad Oberon Phobos Rhea Saturn Titan Umbriel Vesta"
        ),
        "Trees": _names(
            "Alder Birch Cypress Dogwood Elm Fir Ginkgo Hickory Ironwood Juniper Katsura Larch "
            "Myrtle Nutmeg Oak Poplar Rowan Spruce Teak Willow Yew"
        ),
    },
    switches={
        "Camera": _names(
            "Auto Burst Colour Depth Exposure Focus Guides Haze Infrared Jitter Kelvin Lens Macro "
            "Night Outline Panorama Retouch Shutter Timer Upscale Vivid"
        ),
        "Mixer": _names(
            "Attack Bass Chorus Delay Equal Fader Gain Hum Input Jack Knee Limit Mute Notch Output "
            "Pan Reverb Solo Treble Unison Volume"
        ),
    },
    fields={
        "Invoice": _names(
            "Account Bill Cost Due Euro Fee Goods Hours Item Joint Kind Loan Month Net Office "
            "Price Rate Sum Tax User Value"
        ),
        "Flight": _names(
            "Arrive Bag Cabin Depart Engine Fare Group Host Index Jet Knots Layover Miles Nation "
            "Origin Pilot Runway Speed Tower Visa Wing"
        ),
    },
    grids={
        "Desktop": _names(
            "Abacus Badge Cargo Drums Easel Forge Globe Hobby Icons Jumbo Karma Ledger Media Nexus "
            "Orbit Pixel Radar Suite Token Ultra Vault Wiki Xenon Zebra"
        ),
        "Studio": _names(
            "Align Blur Clone Dodge Erase Fill Glow Hatch Invert Kern Layer Mask Noise Opaque "
            "Patch Quick Rotate Smudge Tint Unify Vector Warp Xray Zest"
        ),
    },
    texts=_names("argon boron cobalt copper helium iodine krypton neon nickel radon silver zinc"),
    icons=tuple(sorted(HELD_OUT)),
)
