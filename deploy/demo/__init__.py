"""The journey of 60 invented persons across five agencies, played through public doors only, with a verdict."""
